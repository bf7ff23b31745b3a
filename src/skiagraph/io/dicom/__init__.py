"""DICOM files to images: every picture as the scanner meant it, or a reason why not."""
