"""HS-ResNet: printed tables, protocol and studies.

Pengcheng Yuan, Shufei Lin, Cheng Cui, Yuning Du, Ruoyu Guo, Dongliang He, Errui Ding and Shumin
Han, "HS-ResNet: Hierarchical-Split Block on Convolutional Neural Network", 2020.
https://arxiv.org/abs/2010.07621
"""
