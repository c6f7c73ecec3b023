"""Layers that operators and backbones share; none of them is a choice by itself."""
