"""The web site: `make site` builds it from the documents, the code and the recorded results."""
