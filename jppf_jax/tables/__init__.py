"""The paper's tables on any of the datasets: what to train and score for them, and their claims."""
