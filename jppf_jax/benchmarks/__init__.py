"""What `jppf benchmark` measures: one module per subject, and the reference evaluator of PartPQ."""
