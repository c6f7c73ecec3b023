"""The front door: every command of the project as `convfrontier VERB`."""
