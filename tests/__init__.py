"""All tests: of shared code and of each service by its name; of all together in `flows`, `outages`, `restore`, `traces` and `proving`."""
