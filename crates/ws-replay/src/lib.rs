//! WebSocket sessions as files: parse, check, render and play JSONL scripts.
