DROP TABLE mindflight.memory;
