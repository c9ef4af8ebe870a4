"""OpenFunnel: public job boards turned into go-to-market intelligence. The core of it."""
