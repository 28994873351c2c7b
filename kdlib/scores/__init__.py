"""All measures of one subject: the metrics, scores by lesion size and place, and calibration."""
