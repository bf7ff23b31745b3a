"""DICOMweb (DICOM PS3.18): studies are searched, retrieved, shown and stored over HTTP."""
