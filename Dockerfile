# For the Astro CLI: `astro dev start`. The image's own build steps install packages.txt and requirements.txt and copy
# the project. Runtime 3.3-7 is Airflow 3.3.1; Python 3.12 is what MWAA has.
FROM astrocrpublic.azurecr.io/runtime:3.3-7-python-3.12
