"""Mail that comes in: replies, enquiries, and what a machine wrote."""
