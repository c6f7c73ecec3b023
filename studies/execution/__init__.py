"""Where jobs run: the job queue, workers, Ray, and the data that workers share."""
