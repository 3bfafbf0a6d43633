"""Files from elsewhere: sheets and downloads of public cohorts, weights of encoders, splits of tasks."""
