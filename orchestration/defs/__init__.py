"""Assets, jobs, schedules, sensors and resources, one module each."""
