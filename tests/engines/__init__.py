"""Tests in real browsers. A package, because modules here are called as their neighbours outside are."""
