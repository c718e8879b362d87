"""The engine: plan, schedule, judge, store, execute and watch."""
