"""The DICOM node: what others send is received, and what we need from others is fetched."""
