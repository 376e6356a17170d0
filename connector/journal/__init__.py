"""The journal: PostgreSQL, the truth from which everything else can be rebuilt. All SQL of the connector is here.

database      connections, transactions, and what an unreachable PostgreSQL becomes
migrate       the schema and its migrations (`migrations/versions/*.sql`)
vault         encryption of the stores' secrets
stores        stores, their credentials and pauses
events        what was received: appended, claimed for mapping, marked
append        one commit for all webhooks that wait together
deliveries    what is owed to Insider: waiting, delivered, dead; attempts; what each customer's attributes are from
notices       what an operator should see: notices, rejected webhooks, counts
"""
