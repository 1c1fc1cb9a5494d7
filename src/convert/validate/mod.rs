<<<<<<< HEAD
//! What legal streams are: an automaton for each format, and what a client has put together at its end.

pub(crate) mod messages;
=======
//! What legal streams are, one automaton for each format that clients speak.

pub(crate) mod responses;
>>>>>>> w-r2c
