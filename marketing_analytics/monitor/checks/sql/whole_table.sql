select * from {marts}.{table}
