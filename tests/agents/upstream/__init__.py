"""A scripted provider: it plays an agent's tool loop in the wire format of every provider, and refuses histories that the provider would refuse."""
