-- Of the event groups and jobs that one process at a time works on.
SELECT platform.create_leases('{{schema}}');
