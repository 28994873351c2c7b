"""All that is measured of one subject: the metrics, by lesion size and place, and calibration."""
