"""The audit trail: DICOM audit messages, chained so that tampering shows."""
