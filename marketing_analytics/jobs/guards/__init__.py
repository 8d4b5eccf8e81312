"""What keeps a deploy from doing harm: to other deploys, to people, to jobs that start early."""
