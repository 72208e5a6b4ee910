//! The examples of MockForge WS; see the files beside this package.
