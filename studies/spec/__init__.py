"""What is asked: ablations, claims, searches, study files and users' operators."""
