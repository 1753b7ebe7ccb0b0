"""An optional local server that speaks the OpenAI and Anthropic protocols over the same router.

access        who may ask: Host and Origin, the token, virtual keys
rate_limiter  how much of it: requests and tokens a minute, at once, dollars a day and a month
chat_handler  one request from its bytes to its last byte
relay         the router's events as one protocol's, also across a provider's death (pure)
app           the addresses; connection and server: sockets, limits and a graceful end
"""
