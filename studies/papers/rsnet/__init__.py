"""RS-Net: printed tables, protocol and studies.

Yikai Wang, Fuchun Sun, Duo Li and Anbang Yao, "Resolution Switchable Networks for Runtime Efficient
Image Recognition", European Conference on Computer Vision (ECCV), 2020.
https://arxiv.org/abs/2007.09558, code: https://github.com/yikaiw/RS-Nets
"""
