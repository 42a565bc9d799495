// Pages for people (doc/PINGER.md, doc/AUTHORITY.md).
