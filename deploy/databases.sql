-- Beside Airflow's own database: the state of the pipeline.
CREATE DATABASE onrecord TEMPLATE template0 ENCODING 'UTF8';
