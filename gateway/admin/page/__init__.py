"""The admin page, /admin/legal/fine-tuning: HTML over the admin API's own operations, drawn on the server."""
