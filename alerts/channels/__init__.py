"""How a message leaves. A channel has one method, `send(row)`; nothing here reads or writes what became of it."""
