"""The rule language: grammar -> syntax -> resolve -> check -> compile. No I/O, no asyncio."""
