"""MS-SAR: printed tables, protocol and studies.

Yan Wang, Lingxi Xie, Siyuan Qiao, Ya Zhang, Wenjun Zhang and Alan L. Yuille, "Multi-Scale
Spatially-Asymmetric Recalibration for Image Classification", European Conference on Computer
Vision (ECCV), 2018. https://arxiv.org/abs/1804.00787
"""
