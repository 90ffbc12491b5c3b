-- Of what one process of all does.
SELECT platform.create_leases('{{schema}}');
