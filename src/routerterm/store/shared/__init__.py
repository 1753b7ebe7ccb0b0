"""What several gateways share on one server: caps, virtual keys, cooldowns and quotas, cached answers.

`server` is the one small port that PostgreSQL and Redis fulfil; `state` gathers what is to be done into transactions;
everything else is written once, upon those two.
"""
