"""The workshop: what those need who edit mappings, before anything ships. It reads, and sends nothing.

trying      a mapping on webhooks of the examples, of files, or of the journal, value by value
comparing   two mapping sets over the same events
changes     counts what differs, for comparisons and for the plans of replays
revisions   finds the set that somebody means: active, kept, in a directory, or in git
dictionary  all names that mappings write at Insider
"""
