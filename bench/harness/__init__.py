"""What bench/run, bench/startup and bench/report are made of."""
