"""Every client against one list of cases (clients/cases) over a real gateway on a real Kafka."""
