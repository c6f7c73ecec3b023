"""CoConv: printed tables, protocol and studies.

Kien X. Nguyen, Tiffany Ryu, Jocelyn Zhang, Xu Ma, Qing Yang, Song Fu, Paparao Palacharla, Nannan
Wang and Xi Wang, "CoConv: Learning Dynamic Cooperative Convolution for Image Recognition", IEEE
International Conference on Multimedia and Expo (ICME), 2021.
https://openreview.net/forum?id=Xc8fWdnf-Ag, code: https://github.com/Nyquixt/CoConv
"""
