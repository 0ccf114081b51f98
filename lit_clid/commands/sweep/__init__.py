"""The sweep: which timesteps and draws tell members best on the shadow, and a config of them."""
