"""The journal: PostgreSQL, the truth from which everything else can be rebuilt. All SQL of the connector is here.

database      connections, transactions, and what an unreachable PostgreSQL becomes
migrate       the schema and its migrations (`migrations/versions/*.sql`)
vault         encryption of the stores' secrets
stores        stores, their credentials and pauses
events        what was received: appended, claimed for mapping, marked
append        one commit for all webhooks that wait together
partitions         who works on which partition, and what is to be done there, fairly for its customers and stores
deliveries    what is owed to Insider: waiting, delivered, dead; attempts; from when each customer's attributes are
dead_letters  what Insider refuses for good, by cause
replays       what operators let be mapped and sent again
mapping_sets  the files of each mapping set, and which is active
samples       events spread over a window of time, for the drift report
story         everything that happened to one webhook
audit         what operators have done
notices       what an operator should see: notices, rejected webhooks, counts
"""
