"""The DICOM node: receives from named peers, asks them for studies, and sends them results.

pynetdicom speaks where we ask (`calls`, `peers`, `send`, `commitment`). What receives speaks the upper layer itself
(`pdu`, `wire`, `association`): a data set goes from the socket to the disk and is not held in memory, no unit is
longer than was agreed, no sender is slower than patience lasts, and a process takes 28 MB, for it loads no NumPy.
"""
