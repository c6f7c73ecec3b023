"""Multiception: printed tables, protocol and studies.

Guoqing Bao, Manuel B. Graeber and Xiuying Wang, "Depthwise Multiception Convolution for Reducing
Network Parameters without Sacrificing Accuracy", International Conference on Control, Automation,
Robotics and Vision (ICARCV), 2020, pp. 747-752. https://arxiv.org/abs/2011.03701
"""
