"""Rolecall answers one question: may this principal assume this role?"""
