"""What `housestyle check` looks at: a file for each dependency, what it learns apart from how it judges that."""
