"""Labels of other tools become uids, and predictions become labels of other tools."""
