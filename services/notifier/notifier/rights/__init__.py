"""A patron's rights: what notifier holds of them, and that nothing is sent to one who is erased (R32, R106)."""
