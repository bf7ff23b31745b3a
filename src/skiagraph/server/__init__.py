"""Studies in, findings out: archive, DICOM node, DICOMweb, people, audit trail and the durable way of each study."""
